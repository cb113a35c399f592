# Perl's Net::Stomp, as Debian packages it, over TCP. It writes and reads headers as they are.
use strict;
use warnings;
use utf8;
use Encode qw(encode decode);
use Net::Stomp;

my $patience = 30;
my $note     = 'plain 가';
my @texts    = map { "$_ 안녕하세요, ☃ 😀\nline 2" } 0 .. 49;
my ( $host, $port ) = split /:/, $ENV{TCP};

sub opened {
    my ($passcode) = @_;
    my $client = Net::Stomp->new( { hostname => $host, port => $port, timeout => $patience } );
    my $frame  = $client->connect( { login => $ENV{LOGIN}, passcode => $passcode } );
    return ( $client, $frame );
}

sub received {
    my ( $client, $command ) = @_;
    my $frame = $client->receive_frame( { timeout => $patience } );
    die "no $command" if !$frame;
    die 'not ' . $command . ' but ' . $frame->command . ' ' . $frame->body if $frame->command ne $command;
    return $frame;
}

my ( $client, $connected ) = opened( $ENV{PASSCODE} );
die 'not let in: ' . $connected->headers->{message} if $connected->command ne 'CONNECTED';
$client->subscribe( { destination => $ENV{TOPIC}, receipt => 'subscribed' } );
received( $client, 'RECEIPT' );

# From a second session: `send_with_receipt` takes the next frame for the receipt.
my ( $sender, undef ) = opened( $ENV{PASSCODE} );
for my $text (@texts) {
    my %frame = ( destination => $ENV{TOPIC}, body => encode( 'UTF-8', $text ), note => encode( 'UTF-8', $note ) );
    $sender->send_with_receipt( { %frame, timeout => $patience } ) or die 'no receipt';
}
for my $text (@texts) {
    my $message = received( $client, 'MESSAGE' );
    my $body    = decode( 'UTF-8', $message->body );
    die "got $body" if $body ne $text;
    die 'got another note' if decode( 'UTF-8', $message->headers->{note} ) ne $note;
}
$client->unsubscribe( { destination => $ENV{TOPIC}, receipt => 'unsubscribed' } );
received( $client, 'RECEIPT' );
$_->disconnect for $client, $sender;

my ( undef, $refusal ) = opened('wrong');
die 'a wrong passcode was let in' if $refusal->command ne 'ERROR';
die 'the refusal says something else' if $refusal->headers->{message} !~ /passcode is wrong/;

print join( ' | ', 'Perl Net::Stomp', $Net::Stomp::VERSION, 'TCP', 'STOMP 1.0, receipts' ), "\n";
