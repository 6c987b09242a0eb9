// Records what the vendor's own code says of signatures: see README.md.
const { createHmac } = require('crypto');
const { verifyRequestSignature } = require('customerio-node');

const person = '{"event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","object_type":"customer","metric":"subscribed","timestamp":1613063089,"data":{"customer_id":"42"}}';
const key = 'cio_signing_secret';
const stamp = '1613063089';
const sign = (key, stamp, body) => createHmac('sha256', key).update(`v0:${stamp}:`).update(body).digest('hex');

const good = sign(key, stamp, person);
const cases = [
  { name: 'a person', key, timestamp: stamp, body: person, signature: good },
  { name: 'an empty body', key, timestamp: stamp, body: '' },
  { name: 'white space', key, timestamp: stamp, body: '{ "event_id" : "a" }\r\n' },
  { name: 'letters beyond ASCII', key, timestamp: stamp, body: '{"data":{"subject":"Grüße, 世界 👋"}}' },
  { name: 'colons and escapes', key, timestamp: stamp, body: '{"data":{"href":"https:\\/\\/example.com:8080\\/a?b=c:d"}}' },
  { name: 'a key beyond ASCII', key: 'schlüssel:1', timestamp: stamp, body: person },
  { name: 'a long key', key: 'k'.repeat(200), timestamp: stamp, body: person },
  { name: 'another time', key, timestamp: '1772600767', body: person },
  { name: 'a body of 100,000 letters', key, timestamp: stamp, repeat: 100000, body: 'x' },
  { name: 'upper case', key, timestamp: stamp, body: person, signature: good.toUpperCase() },
  { name: 'a second later', key, timestamp: '1613063090', body: person, signature: good },
  { name: 'another body', key, timestamp: stamp, body: person + ' ', signature: good },
  { name: 'another key', key: 'cio_signing_secre', timestamp: stamp, body: person, signature: good },
  { name: 'one letter short', key, timestamp: stamp, body: person, signature: good.slice(0, 63) },
  { name: 'one letter more', key, timestamp: stamp, body: person, signature: good + '0' },
  { name: 'with the version', key, timestamp: stamp, body: person, signature: 'v0=' + good },
  { name: 'white space around', key, timestamp: stamp, body: person, signature: ' ' + good },
  { name: 'none', key, timestamp: stamp, body: person, signature: '' },
];

console.log(JSON.stringify(cases.map((c) => {
  const body = c.body.repeat(c.repeat || 1);
  const signature = c.signature ?? sign(c.key, c.timestamp, body);
  const valid = verifyRequestSignature({ signingSecret: c.key, timestamp: c.timestamp, body, signature });
  return { ...c, signature, valid };
}), null, 2));
