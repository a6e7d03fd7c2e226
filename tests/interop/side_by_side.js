// Reports of one scenario from several engines, as one table. Arguments: NAME=report.json ...
'use strict'
const fs = require('fs')

const engines = process.argv.slice(2).map((argument) => {
  const at = argument.indexOf('=')
  const report = JSON.parse(fs.readFileSync(argument.slice(at + 1), 'utf8'))
  return { name: argument.slice(0, at), report }
})

const rows = [['', ...engines.map(({ name }) => name)]]
const row = (title, of) =>
  rows.push([title, ...engines.map(({ report }) => String(of(report) ?? '-'))])

row('world', (report) => report.world)
row('measurement', (report) => report.verdict.status)
for (const producer of Object.keys(engines[0].report.ledger.producers)) {
  for (const column of ['intended', 'acked', 'throttled', 'failed', 'unknown', 'not_sent']) {
    row(`${producer} ${column}`, (report) => report.ledger.producers[producer]?.total[column])
  }
}
const ms = (us) => (us === undefined ? undefined : `${(us / 1000).toFixed(1)} ms`)
for (const producer of Object.keys(engines[0].report.ledger.producers)) {
  for (const quantile of ['p50', 'p99']) {
    row(`${producer} service time ${quantile}`, (report) =>
      ms(report.latency.producers[producer]?.service_time?.[`${quantile}_us`]))
  }
}
for (const consumer of Object.keys(engines[0].report.ledger.consumers)) {
  const columns = ['delivered', 'lost', 'unread', 'redelivered', 'stored_twice_unexplained', 'corrupt', 'out_of_order', 'key_inversions']
  for (const column of columns) {
    row(`${consumer} ${column}`, (report) => report.ledger.consumers[consumer]?.total[column])
  }
}
for (const [index, { name }] of engines[0].report.events.entries()) {
  row(`event ${name}`, (report) => report.events[index]?.status)
}
row('SLOs missed', (report) => report.slo.filter((slo) => slo.status === 'missed').length)

const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)))
for (const cells of rows) {
  const padded = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))
  console.log(padded.join('  ').trimEnd())
}

for (const { name, report } of engines) {
  const wrong = []
  for (const slo of report.slo.filter((slo) => slo.status === 'missed')) {
    wrong.push(`misses ${slo.name}: ${slo.metric} is ${slo.value}`)
  }
  for (const [producer, { total }] of Object.entries(report.ledger.producers)) {
    if (total.unknown_attempts > 0) {
      wrong.push(`${total.unknown_attempts} attempts of ${producer} had no answer within 5 s`)
    }
  }
  for (const event of report.events.filter((event) => event.status !== 'done')) {
    wrong.push(`${event.action}: ${event.detail}`)
  }
  for (const [part, { last_failure: failure }] of Object.entries({ ...report.producers, ...report.consumers })) {
    if (failure) wrong.push(`${part} was told: ${failure}`)
  }
  for (const finding of report.target?.findings ?? []) {
    wrong.push(`${finding.count} times ${finding.text}`)
  }
  console.log(`\n${name}: ${wrong.length === 0 ? 'nothing wrong' : ''}`.trimEnd())
  for (const line of wrong) console.log(`  ${line}`)
}
