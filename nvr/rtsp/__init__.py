"""RTSP, RTP and their payloads as pure state machines: bytes in, events, samples and bytes out.

No socket is opened and no clock is read here, so that every behaviour of a camera can be a test. `reception.Reception`
is the door for a capture session.
"""
