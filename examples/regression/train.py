# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn"]
# ///
"""Train a model that predicts how a disease progresses, and save it as data/model.pkl.

Some rows are kept out of the training. They are saved as data/examples.csv, with the model's predictions.
"""

import pickle
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# Ten measurements of 442 patients, in their own units. They come with scikit-learn.
diabetes = load_diabetes(as_frame=True, scaled=False)
measures = diabetes.data.rename(columns={"s1": "cholesterol", "s2": "ldl", "s3": "hdl", "s6": "glucose"})
measures = measures[["age", "bmi", "bp", "cholesterol", "ldl", "hdl", "glucose"]]
train, test, progress, test_progress = train_test_split(
    measures, diabetes.target, test_size=0.25, random_state=0
)

model = make_pipeline(StandardScaler(), Ridge(alpha=10)).fit(train, progress)
print(f"R² on {len(test)} other patients: {model.score(test, test_progress):.3f}")

folder = Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
(folder / "model.pkl").write_bytes(pickle.dumps(model))
print(f"saved {folder / 'model.pkl'}")

examples = test.head(20)
examples.assign(prediction=model.predict(examples)).to_csv(folder / "examples.csv", index=False)
print(f"saved {folder / 'examples.csv'}")
