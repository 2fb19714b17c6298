"""Capture: cameras in, fragments out to the disks."""
