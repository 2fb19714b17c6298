"""The bytes of H.264, H.265 and ISO BMFF: pure, bytes in, bytes out."""
