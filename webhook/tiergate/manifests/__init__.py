"""Manifests: files, folders and streams of YAML and JSON as the JSON documents that ``tiergate.wire`` decodes.

YAML becomes JSON in the way of Kubernetes' own reader, so there is one decoder for both and for admission reviews. Each
document knows where in its file a JSON pointer is.
"""
