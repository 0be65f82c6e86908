"""Pods, from `kubectl top pod --selector=S --containers --no-headers`: the cluster averages over 15 to 60 s.

kubernetes.io/docs/reference/kubectl/generated/kubectl_top/kubectl_top_pod: a row is pod, container, CPU, memory.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator

from slowpath.programs import on_path
from slowpath.runtime.sources import Sample, SourceError, first_line

QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(n|u|m|k|Ki|Mi|Gi|Ti|M|G|T)?")
SCALE = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} | {
    f"{letter}i": 1024.0**power for power, letter in enumerate("KMGT", 1)
}
TIMEOUT = 10.0


class Kubectl:
    name = "kubectl top"
    period = 15.0

    def __init__(self, selector: str) -> None:
        self._selector = selector

    def read(self) -> Iterator[Sample]:
        program = on_path("kubectl")
        if program is None:
            raise SourceError("kubectl is not on PATH")
        command = [program, "top", "pod", f"--selector={self._selector}", "--containers", "--no-headers"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError("no answer in time") from None
        except OSError as error:
            raise SourceError(f"cannot be started: {error.strerror}") from None
        if done.returncode:
            raise SourceError(first_line(done.stderr))
        return parsed(done.stdout)

    def close(self) -> None: ...


def parsed(text: str) -> Iterator[Sample]:
    """Sums over the pods, by container. Raises SourceError where no line is one of the table."""
    cpu: defaultdict[str, float] = defaultdict(float)
    memory: defaultdict[str, float] = defaultdict(float)
    for line in text.splitlines():
        columns = line.split()
        if len(columns) != 4:
            continue
        used, held = quantity(columns[2]), quantity(columns[3])
        if used is not None and held is not None:
            cpu[columns[1]] += used
            memory[columns[1]] += held
    if not cpu:
        raise SourceError("no pod has figures under this selector")
    for container in sorted(cpu):  # whatever it is called, it does not run on this host's cores
        yield Sample("container.cpu", f"pod {container}", "cores", cpu[container])
        yield Sample("container.memory", f"pod {container}", "bytes", memory[container])


def quantity(text: str) -> float | None:
    """`250m`, `1`, `128Mi`."""
    found = QUANTITY.fullmatch(text)
    return float(found[1]) * SCALE[found[2] or ""] if found else None
