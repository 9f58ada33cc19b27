"""What all kernels share: the views they look at, loops over arrays, and the shapes of what they know of a chain.

For kernels of features and of the chain; not for features themselves (`families`), nor for building what a chain tells (`chain`).
Front door: `Block` and `View` (wallet_view.py), `ChainContext` (context.py), `gather` (gather_views.py).

Parameters of kernels: `block` (snapshots, laid out by `gather`), `view` (one snapshot of it), `context` (`ChainContext`),
`scratch` (memory to overwrite), `out` (where results go), `want` (which columns of `out` were requested), `graph` (a stretch of
time as a small graph), `low` and `high` (bounds of a range, `high` outside). Short letters are indices (`i`, `j`, `k`), sizes
(`n`) and wallets (`u`, `v`, `w`, `s` a sender, `r` a receiver).
"""
