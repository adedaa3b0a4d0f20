"""What a bit buys: layers, prices, further portraits, refinement."""
