"""Make tests/data/tiny_backbone: a random two-layer BERT and a small real tokenizer.

Run from the repository's root; needs nothing but the development install.
"""

from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel, BertTokenizerFast

from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema

FOLDER = Path(__file__).parent / "tiny_backbone"
VOCABULARY = 800


def main() -> None:
    records = read_records(packaged_path("authored"), load_schema())
    trained = BertWordPieceTokenizer(lowercase=True)
    texts = [record.text for record in records if record.text]
    trained.train_from_iterator(texts, vocab_size=VOCABULARY, show_progress=False)
    FOLDER.mkdir(exist_ok=True)
    BertTokenizerFast(tokenizer_object=trained._tokenizer).save_pretrained(FOLDER)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).half().save_pretrained(FOLDER)


if __name__ == "__main__":
    main()
