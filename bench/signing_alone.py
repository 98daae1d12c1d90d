"""RSA-2048 signatures of one process, one after the other, and nothing else.

python -m bench.signing_alone SECONDS
"""

import json
import sys
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key


def main() -> None:
    key, padding, digest = generate_private_key(65537, 2048), PKCS1v15(), hashes.SHA256()
    data = bytes(600)  # about what DKIM signs of a header section
    count, began, used = 0, time.perf_counter(), time.process_time()
    until = began + float(sys.argv[1])
    while time.perf_counter() < until:
        key.sign(data, padding, digest)
        count += 1
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
    print(json.dumps({"rate": count / seconds, "cpu_us": cpu_seconds / count * 1e6}))


if __name__ == "__main__":
    main()
