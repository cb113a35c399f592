"""A server that speaks S3 (moto), with one bucket and one user who may use it.

Prints one JSON object a line: where it listens and the user's keys. Whoever asks without them is
refused, as by the real one. It keeps everything in memory and runs until it is killed.
"""

import json
import threading

import boto3
from moto import settings
from moto.server import ThreadedMotoServer

BUCKET = "pictures"
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}],
}

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"


def client(service: str) -> object:
    """A client of the server for as long as it asks nobody for keys."""
    anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", **anybody)


client("s3").create_bucket(Bucket=BUCKET)
iam = client("iam")
iam.create_user(UserName="madang")
iam.put_user_policy(UserName="madang", PolicyName="pictures", PolicyDocument=json.dumps(POLICY))
key = iam.create_access_key(UserName="madang")["AccessKey"]
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0

ready = {
    "endpoint": endpoint,
    "bucket": BUCKET,
    "accessKey": key["AccessKeyId"],
    "secretKey": key["SecretAccessKey"],
}
print(json.dumps(ready), flush=True)
threading.Event().wait()
