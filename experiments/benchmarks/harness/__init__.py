"""What all benchmarks share: options, generated transfers, one process per run, the check of agreement, the page of results.

Nothing here knows what is measured.
Front door: `measured` (processes.py), `generate` (generate.py), `publish` (result_page.py), the types of options.py.
"""
