"""A server that speaks S3 (moto), with one bucket and one user who may use it.

Prints one JSON object: where it listens, and the user's keys. Whoever asks without them is refused,
as by the real one. It keeps everything in memory, and ends with its standard input, where each
line is a command that is answered with a line:

list   the keys of all objects, as a JSON array
age    makes all objects two days old
"""

import json
import sys
from datetime import timedelta

import boto3
from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

BUCKET = "pictures"
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}],
}


def tell(what: object) -> None:
    """Prints one line."""
    print(json.dumps(what), flush=True)


def setup(endpoint: str) -> dict[str, str]:
    """Makes the bucket and its user, as long as nobody is asked for keys."""
    anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    where = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    boto3.client("s3", **where, **anybody).create_bucket(Bucket=BUCKET)
    iam = boto3.client("iam", **where, **anybody)
    iam.create_user(UserName="madang")
    policy = json.dumps(POLICY)
    iam.put_user_policy(UserName="madang", PolicyName="pictures", PolicyDocument=policy)
    key = iam.create_access_key(UserName="madang")["AccessKey"]
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
    return {
        "endpoint": endpoint,
        "bucket": BUCKET,
        "accessKey": key["AccessKeyId"],
        "secretKey": key["SecretAccessKey"],
    }


server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
tell(setup(f"http://{host}:{port}"))

bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET]
for command in sys.stdin:
    if command == "age\n":
        for item in bucket.keys.values():
            item.last_modified -= timedelta(days=2)
    tell(sorted(bucket.keys))
