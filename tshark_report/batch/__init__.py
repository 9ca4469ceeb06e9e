"""Many captures: what is to be done, who does it, what becomes of it.

    folders -> discover -> plan (content hash, what is done already) -> local or cluster -> place -> index

Each capture is done by a process of its own kind (`child`), which reads it, writes its report beside and renames it
into the output. What is there is whole; what is not there is done again.
"""
