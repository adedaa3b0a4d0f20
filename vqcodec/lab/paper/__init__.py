"""The paper's tables at this project's scale, and the quantizers that only they need."""
