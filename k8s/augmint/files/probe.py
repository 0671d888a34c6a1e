"""probe.py TARGET TIMEOUT: draw one sample of every default generator; runs in a pod of `helm test`."""

import sys

import augmint


def main(target: str, timeout: str) -> int:
    with augmint.Client(target, timeout=float(timeout)) as client:
        served = [status for status in client.generators() if status.is_default]
        for status in served:
            samples = client.generate(status.labels[0], 1, generator=status.name, seed=7)
            sys.stdout.write(f"{status.name}/{status.version}: {samples.array.shape} {samples.array.dtype}\n")
    return 0 if served else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
