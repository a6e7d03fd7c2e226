"""Workers of the Java KCL as its users run them: the MultiLangDaemon, a properties file, and a processor of our own.

The jars are those of a wheel whose folder WHEEL names.
"""

import os
import pathlib
import subprocess
import sys

from kit.stream import REGION

WORK = pathlib.Path(os.environ["WORK"])
JARS = pathlib.Path(os.environ["WHEEL"]) / "amazon_kclpy" / "jars"
JOURNALS = WORK / "journals"
(VERSION,) = (jar.stem.rpartition("-")[2] for jar in JARS.glob("amazon-kinesis-client-[0-9]*.jar"))
# The default chain of the AWS SDK that it is made with: version 1 or 2.
CREDENTIALS = "DefaultAWSCredentialsProviderChain" if VERSION < "3" else "DefaultCredentialsProvider"
PROCESSOR = pathlib.Path(__file__).parent.parent / "cases" / "multilang_processor.py"


def properties(stream, processor, mode):
    """Waits and intervals are short, so that the run is; everything else is the library's own choice."""
    settings = {
        "executableName": processor,
        "streamName": stream,
        "applicationName": f"group-{mode}",
        "AWSCredentialsProvider": CREDENTIALS,
        "processingLanguage": "python",
        "initialPositionInStream": "TRIM_HORIZON",
        "regionName": REGION,
        "kinesisEndpoint": os.environ["KINESIS_URL"],
        "dynamoDBEndpoint": os.environ["DYNAMODB_URL"],
        "metricsLevel": "NONE",
        "failoverTimeMillis": 3000,
        "shardSyncIntervalMillis": 5000,
        "parentShardPollIntervalMillis": 500,
        "retrievalMode": {"polling": "POLLING", "fan-out": "FANOUT"}[mode],
    }
    if mode == "polling":
        settings |= {"maxRecords": 2000, "idleTimeBetweenReadsInMillis": 250}
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def start(stream, mode, worker="worker"):
    """A worker of the group, in the process group of this process, which the runner ends as a whole."""
    journals = JOURNALS / worker
    journals.mkdir(parents=True)
    # The daemon takes a command apart at its spaces, so it is given one word.
    processor = WORK / f"{worker}.processor"
    processor.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROCESSOR}" "{journals}"\n')
    processor.chmod(0o755)
    settings = WORK / f"{worker}.properties"
    settings.write_text(properties(stream, processor, mode))
    java = [os.environ["JAVA"], "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{JARS}/*"]
    daemon = ["software.amazon.kinesis.multilang.MultiLangDaemon", "--properties-file", str(settings)]
    with open(WORK / f"{worker}.log", "wb") as log:
        return subprocess.Popen([*java, *daemon], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def unexpected():
    """Lines of the daemons' logs that name an error which no healthy service gives them."""
    words = ("InternalFailure", "SerializationException", "UnknownOperation", "ValidationException")
    lines = [line for log in WORK.glob("*.log") for line in log.read_text(errors="replace").splitlines()]
    return [line for line in lines if any(word in line for word in words)]
