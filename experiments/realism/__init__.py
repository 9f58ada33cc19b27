"""How simulated wallets come to look like real ones: habits measured on real lists, fitted, and judged on other real lists."""
