"""What touches the file and starts processes: tshark in, text and bytes out."""
