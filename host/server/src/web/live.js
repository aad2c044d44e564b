// Follows a run that is under way: adds what it says as it comes, and loads the page anew when it ends.
const place = document.querySelector('[data-events]');
if (place) {
  const log = place.querySelector('pre');
  const now = place.querySelector('[role=status]');
  const add = (text) => {
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(text + '\n');
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  const source = new EventSource(place.dataset.events);
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on('waiting', () => { now.textContent = 'It waits for another run of the project to end.'; });
  on('compiling', (event) => { now.textContent = `Compiling ${event.plugin}, once for this machine.`; });
  on('stage-started', (event) => { now.textContent = `${event.stage} is under way.`; add(`== ${event.stage}  ${event.plugin}`); });
  on('progress', (event) => {
    now.textContent = event.total ? `${event.stage}: ${event.done} of ${event.total}` : `${event.stage}: ${event.done}`;
  });
  on('log', (event) => add(`${event.line.level}  ${event.line.message}`));
  on('metric', (event) => add(`${event.metric.split ?? ''} ${event.metric.name} ${event.metric.value}`.trim()));
  on('finding', (event) => add(`${event.finding.severity}  ${event.finding.message}`));
  on('stage-finished', (event) => add(`${event.record.status}  ${event.record.name}  ${event.record.reason}`));
  on('run-finished', () => { source.close(); setTimeout(() => location.reload(), 300); });
}
