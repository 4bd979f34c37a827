"""What computes logits from token ids: one class per runtime."""
