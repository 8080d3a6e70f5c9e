"""AdmissionReview in, AdmissionReview out: bytes -> question, decision -> bytes. Pure."""
