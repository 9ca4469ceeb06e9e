"""What made a reader look: indicators, alerts and moments, found in the packets and followed outwards from there."""
