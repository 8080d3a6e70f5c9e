"""AdmissionReview in, AdmissionReview out: bytes -> request, decision -> bytes. Pure."""
