"""Where to start in a packet capture: a narrative report from tshark's own tables."""

__version__ = "0.1.0"
