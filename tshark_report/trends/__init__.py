"""What has suddenly grown over hours, days or files, and is not explained by everything having grown.

    stored tables -> counting (records, sources, targets for each bucket) -> growth -> model -> renderers

Renderers read only the model. Nothing here prints, and tshark is not needed: the tables say it all.
"""
