# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn"]
# ///
"""Train a model that sorts messages to a help desk, and save it as data/model.pkl."""

import pickle
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

MESSAGES = {
    "billing": [
        "I was charged twice this month",
        "The invoice shows the wrong amount",
        "Please send me a refund for the last payment",
        "My credit card was declined",
        "Why is the invoice higher than last month?",
        "I paid, but the invoice is still open",
    ],
    "delivery": [
        "My parcel has not arrived",
        "The package was left at the wrong address",
        "When will my order be delivered?",
        "The parcel arrived broken",
        "Please change the delivery address of my order",
        "The tracking number does not work",
    ],
    "login": [
        "I forgot my password",
        "I cannot log in to my account",
        "The password reset mail does not come",
        "My account is locked",
        "Please change the mail address of my account",
        "The login page shows an error",
    ],
}

table = pd.DataFrame(
    [(message, topic) for topic, messages in MESSAGES.items() for message in messages],
    columns=["message", "topic"],
)

# The column is chosen by its name, so the service's input has that name.
words = make_column_transformer((TfidfVectorizer(), "message"))
model = make_pipeline(words, LogisticRegression(C=10)).fit(table[["message"]], table["topic"])
print(f"accuracy on the training data: {model.score(table[['message']], table['topic']):.3f}")

file = Path(__file__).parent / "data" / "model.pkl"
file.parent.mkdir(exist_ok=True)
file.write_bytes(pickle.dumps(model))
print(f"saved {file}")
