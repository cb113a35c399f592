<?php
// PHP's stomp extension, as Debian packages it, over TCP. It writes and reads headers as they are.

const PATIENCE = 30;
const NOTE = 'plain 가';

ini_set('default_socket_timeout', (string) PATIENCE);
// Two seconds are too few for the answer to CONNECT on a busy machine: passcodes are slow to check.
ini_set('stomp.default_connection_timeout_sec', (string) PATIENCE);
ini_set('stomp.default_read_timeout_sec', (string) PATIENCE);
$topic = getenv('TOPIC');

function opened(string $passcode): Stomp
{
    $client = new Stomp('tcp://' . getenv('TCP'), getenv('LOGIN'), $passcode);
    $client->setReadTimeout(PATIENCE);
    return $client;
}

function need(bool $holds, string $what): void
{
    if (!$holds) {
        fwrite(STDERR, "$what\n");
        exit(1);
    }
}

try {
    $client = opened(getenv('PASSCODE'));
    need($client->subscribe($topic, ['receipt' => 'subscribed']), 'no subscription: ' . $client->error());
    // With a receipt asked for, `send` answers once it came; messages that came before it are kept.
    // That, and messages close behind each other, need an LF after each frame's NUL.
    for ($number = 0; $number < 50; $number += 1) {
        $text = "$number 안녕하세요, ☃ 😀\nline 2";
        need($client->send($topic, $text, ['note' => NOTE, 'receipt' => "r$number"]), 'no receipt: ' . $client->error());
    }
    for ($number = 0; $number < 50; $number += 1) {
        $frame = $client->readFrame();
        need($frame && $frame->command === 'MESSAGE', "no message $number");
        need($frame->body === "$number 안녕하세요, ☃ 😀\nline 2", "got $frame->body");
        need($frame->headers['note'] === NOTE, 'got another note');
    }
    need($client->unsubscribe($topic, ['receipt' => 'unsubscribed']), 'no end of the subscription');
    unset($client); // says DISCONNECT
} catch (StompException $error) {
    need(false, $error->getMessage() . ': ' . $error->getDetails());
}

try {
    opened('wrong');
    need(false, 'a wrong passcode was let in');
} catch (StompException $error) {
    $report = $error->getMessage() . ' ' . $error->getDetails();
    need(str_contains($report, 'passcode is wrong'), "the refusal was reported as: $report");
}

echo implode(' | ', ['PHP stomp', stomp_version(), 'TCP', 'STOMP 1.0, receipts']), "\n";
