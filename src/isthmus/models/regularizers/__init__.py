"""Regularizers, one a file: what is asked of a model beside its distortion and the penalties its bottleneck reports."""
