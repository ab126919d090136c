"""What the checks of a large model cost: `python -m benchmarks.checks [TREES]`.

Saves a forest with joblib, and tells the seconds of processor time, and the seconds that passed, of joblib
alone, of the service with and without its checks, and of `infer inspect`, each in a process of its own. The
service compiles a model too. 280 trees make about 1 GB.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestRegressor

ROWS = 40_000
# So many trees are grown, and copied until there are enough.
GROWN = 10
# Libraries are imported before the clock starts.
START = "import json, sys, time, warnings; warnings.simplefilter('ignore'); from pathlib import Path\n"
CLOCK = "file = Path(sys.argv[1]); cpu, clock = time.process_time(), time.perf_counter()\n"
END = "print(json.dumps([time.process_time() - cpu, time.perf_counter() - clock]))"
SERVICE = "import sklearn.ensemble\nfrom service.loading import model_file\n"
UNCHECKED = "model_file.check_contents = model_file.check_values = lambda *_: None\n"
READ = (
    "found = model_file._format_of(file)\n"
    "model_file._read(found, file, file, model_file.Policy(()), versions_must_match=False)\n"
)
INSPECTION = "from infer_cli.inspection import inspect_model, require_safe\n"
CODE = {
    "`joblib.load`": "import joblib, sklearn.ensemble\n" + CLOCK + "joblib.load(file)\n",
    "the service reads it, contents and values unchecked": SERVICE + UNCHECKED + CLOCK + READ,
    "the service reads it": SERVICE + CLOCK + READ,
    "the service reads, compiles and tries it": SERVICE + CLOCK + "model_file.load_model(file)\n",
    "`infer inspect`": INSPECTION + CLOCK + "require_safe(inspect_model(file), ())\n",
}


def save_forest(file: Path, trees: int, rows: int = ROWS) -> None:
    """Save a forest of full trees, which are as large as noise makes them."""
    random = np.random.default_rng(0)
    model = RandomForestRegressor(min(trees, GROWN), random_state=0, max_features=1)
    model.fit(random.random((rows, 4)), random.random(rows))
    model.estimators_ = [copy.deepcopy(model.estimators_[at % GROWN]) for at in range(trees)]
    joblib.dump(model, file)


def measured(code: str, file: Path) -> tuple[float, float]:
    """Give the seconds of processor time, and those that passed, which code takes for a file."""
    command = (sys.executable, "-c", START + code + END, str(file))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cpu, clock = json.loads(done.stdout.splitlines()[-1])
    return cpu, clock


def main() -> None:
    """Print the table."""
    trees = int(sys.argv[1]) if sys.argv[1:] else 280
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.joblib"
        save_forest(file, trees)
        print(f"{trees} trees, {file.stat().st_size / 1e9:.2f} GB\n")
        print("| what | processor, s | passed, s |\n| --- | --- | --- |")
        for name, code in CODE.items():
            cpu, clock = measured(code, file)
            print(f"| {name} | {cpu:.2f} | {clock:.2f} |", flush=True)


if __name__ == "__main__":
    main()
