"""probe.py TARGET TIMEOUT [FOLDER]: draw one sample of every default generator; runs in a pod of `helm test`.

FOLDER (/etc/augmint) may hold authority/ca.crt, certificate/tls.crt and tls.key, token/token: what is there is used.
"""

import pathlib
import sys

import augmint


def main(target: str, timeout: str, folder: str = "/etc/augmint") -> int:
    def given(name: str) -> pathlib.Path | None:
        path = pathlib.Path(folder, name)
        return path if path.exists() else None

    ca, token = given("authority/ca.crt"), given("token/token")
    tls: augmint.Tls | bool | None = None
    if ca:
        tls = augmint.Tls(ca=ca, certificate=given("certificate/tls.crt"), key=given("certificate/tls.key"))
    elif token:
        tls = False  # the token goes in plain text: the chart was told to serve without TLS
    try:
        with augmint.Client(target, timeout=float(timeout), tls=tls, token=token) as client:
            served = [status for status in client.generators() if status.is_default]
            for status in served:
                samples = client.generate(status.labels[0], 1, generator=status.name, seed=7)
                sys.stdout.write(f"{status.name}/{status.version}: {samples.array.shape} {samples.array.dtype}\n")
    except augmint.AugmintError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0 if served else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
