"""One module for each thing that is admitted: which facts its decision rests on, from the caches and live."""
