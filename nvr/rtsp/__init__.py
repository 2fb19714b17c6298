"""RTSP and RTP without sockets: bytes in, events and bytes out (RFC 2326, RFC 3550)."""
