"""The Open Inference Protocol, version 2: stock clients of Triton and KServe draw samples without any code of ours."""
