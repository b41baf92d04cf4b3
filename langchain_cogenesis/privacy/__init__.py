"""What may leave the device, and the proof of what did."""
