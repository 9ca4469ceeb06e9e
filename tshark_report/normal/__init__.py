"""What is normal here: learnt from captures that are known to be good, and held against another capture."""
