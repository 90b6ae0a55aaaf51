"""Text embeddings and image tokens so small that every edit of them can be worked by hand."""

import torch

from colorizer.manipulation import apply_edits

# Unit embeddings in four dimensions. "red" and "green" are not orthogonal: red . green = 0.6.
TEXTS = {
    "red": [1.0, 0.0, 0.0, 0.0],
    "green": [0.6, 0.8, 0.0, 0.0],
    "hair": [0.0, 0.0, 1.0, 0.0],
    "sky": [0.0, 0.0, 0.0, 1.0],
    "nothing here": [0.0, 0.0, 0.0, -1.0],
}
E, A = torch.tensor(TEXTS["green"]), torch.tensor(TEXTS["red"])
THRESHOLDS = (0.25, 0.5, 0.75, 0.875)  # ts0 to ts3


def encode_text(texts):
    return torch.tensor([TEXTS[text] for text in texts])


def close(actual, expected):
    return torch.allclose(actual, torch.tensor(expected, dtype=actual.dtype), atol=1e-5)


# CLS (5, 1, 2, 0), then four local tokens with v . hair = 0, 4, 8, 6, so m = 0, 0.5, 1, 0.75
TOKENS = torch.tensor([[[5, 1, 2, 0], [1, 0, 0, 0], [0, 0, 4, 0], [0, 0, 8, 0], [2, 0, 6, 0]]], dtype=torch.float32)


def edited(edits, kind="attention", polarity="low", tokens=TOKENS, **kwargs):
    return apply_edits(tokens, edits, encode_text, kind, polarity, **kwargs)
