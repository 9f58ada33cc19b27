"""The published formats of labels, one file per publisher.

Not for what words mean (`vocabularies.py`) nor for checking addresses (`checksums.py`): a reader only makes tags of files.
Front door: `READER` or `READERS` of each file, which `builder.py` lists in the order in which it tries them.
"""
