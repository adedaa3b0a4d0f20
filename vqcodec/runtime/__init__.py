"""How and where the networks run: device, precision, threads, memory allocator."""
