"""A camera simulator: RTSP cameras that send drawn, numbered pictures in real time, and misbehave on request."""
