"""What is heard: log-mel, the speech tokenizer, how loud it is, where nobody speaks."""
