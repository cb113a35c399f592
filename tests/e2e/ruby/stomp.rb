# Ruby's stomp gem, as Debian packages it, over TCP in each version of STOMP.
require 'stomp'
require 'timeout'

PATIENCE = 30
$stdout.sync = true
# A refused connection ends its listening thread with an exception.
Thread.report_on_exception = false
TEXTS = Array.new(50) { |number| "#{number} 안녕하세요, ☃ 😀\nline 2" }
NOTE = "a:b\\w\nd 가"
PLAIN_NOTE = 'plain 가'
HOST, PORT = ENV.fetch('TCP').split(':')
LOGIN, PASSCODE, TOPIC = %w[LOGIN PASSCODE TOPIC].map { |name| ENV.fetch(name) }

def open_client(passcode, protocol)
  headers = { 'accept-version' => protocol, 'host' => 'here' }
  Stomp::Client.new(
    hosts: [{ login: LOGIN, passcode: passcode, host: HOST, port: PORT.to_i }],
    connect_headers: protocol == '1.0' ? {} : headers,
    reliable: false, start_timeout: PATIENCE
  )
end

def utf8(text)
  text.dup.force_encoding('UTF-8')
end

def tell(protocol)
  client = open_client(PASSCODE, protocol)
  raise "connected as #{client.protocol}" unless client.protocol == protocol

  topic = "#{TOPIC}-#{protocol}"
  # STOMP 1.0 has no escapes.
  note = protocol == '1.0' ? PLAIN_NOTE : NOTE
  arrived = Queue.new
  receipts = Queue.new
  client.subscribe(topic, id: 's') { |message| arrived << [utf8(message.body), utf8(message.headers['note'])] }
  TEXTS.each { |text| client.publish(topic, text, note: note) { |receipt| receipts << receipt } }
  got = TEXTS.map { arrived.pop }
  raise got.inspect unless got == TEXTS.map { |text| [text, note] }

  TEXTS.each { receipts.pop }
  # Without a receipt: the gem's listening thread may take it from the call that waits for it.
  client.close
end

def refused(protocol)
  client = open_client('wrong', protocol)
  # The gem hands an ERROR that answers CONNECT to the caller as the connection's first frame.
  frame = client.connection_frame
  raise "let in: #{frame}" unless frame.command == 'ERROR' && frame.headers['message'].include?('passcode is wrong')
rescue Stomp::Error::BrokerException => e
  raise unless e.message.include?('passcode is wrong')
end

%w[1.0 1.1 1.2].each do |protocol|
  Timeout.timeout(PATIENCE) { tell(protocol) }
  Timeout.timeout(PATIENCE) { refused(protocol) }
  escapes = protocol == '1.0' ? '' : ', header escapes'
  puts ['Ruby stomp', Stomp::Version::STRING, "TCP, STOMP #{protocol}", "STOMP #{protocol}, receipts#{escapes}"].join(' | ')
end
# Its listening threads may still wait on a refused connection.
exit!(0)
