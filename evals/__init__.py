"""Is it right, and is it no worse than before?"""
