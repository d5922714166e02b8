const find = (id) => document.getElementById(id);

/** An element with text and children; text is never taken as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

async function call(method, path, body) {
  const response = await fetch(`/api${path}`, {
    method,
    headers: body && { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function say(text, wrong = false) {
  find('status').textContent = text;
  find('status').classList.toggle('wrong', wrong);
}

function showStandings(rows) {
  const cells = (row) => [
    make('td', {}, String(row.rank)),
    make('td', { class: 'name' }, row.name),
    ...[row.played, row.won, row.drawn, row.lost].map((count) => make('td', {}, String(count))),
    make('td', {}, `${row.scored}:${row.conceded}`),
    make('td', { class: 'points' }, String(row.points)),
  ];
  find('standings').replaceChildren(...rows.map((row) => make('tr', {}, ...cells(row))));
  find('standings-empty').hidden = rows.length > 0;
}

function showPlayers(players) {
  find('players').replaceChildren(...players.map((player) => make('li', {}, player.name)));
  for (const select of document.querySelectorAll('#add-match select')) {
    const chosen = select.value;
    select.replaceChildren(...players.map((player) => make('option', { value: player.id }, player.name)));
    select.value = chosen || select.options[select.name === 'away' ? 1 : 0]?.value || '';
  }
}

function showMatches(matches) {
  find('matches').replaceChildren(...matches.map(matchRow));
  find('matches-empty').hidden = matches.length > 0;
}

function matchRow(match) {
  const who = make('span', { class: 'who' }, `${match.home} – ${match.away}`);
  if (match.home_score !== null) {
    return make('li', {}, who, make('span', { class: 'result' }, `${match.home_score} : ${match.away_score}`));
  }
  const score = (name, label) =>
    make('input', { name, type: 'number', min: 0, max: 999, required: '', 'aria-label': label });
  const form = make('form', {}, score('home', match.home), ':', score('away', match.away), make('button', {}, 'Save'));
  onSubmit(form, (data) => {
    const result = { home_score: Number(data.get('home')), away_score: Number(data.get('away')) };
    return call('PUT', `/matches/${match.id}/result`, result);
  });
  return make('li', {}, who, form);
}

/** Draws a part only when it changed, and never under somebody's fingers. */
const drawn = {};
function draw(part, data, show) {
  const text = JSON.stringify(data);
  const typing = document.activeElement?.matches('#matches input') && part === 'matches';
  if (drawn[part] === text || typing) return;
  drawn[part] = text;
  show(data);
}

async function refresh() {
  try {
    const [{ standings }, { players }, { matches }] = await Promise.all(
      ['/standings', '/players', '/matches'].map((path) => call('GET', path)),
    );
    draw('standings', standings, showStandings);
    draw('players', players, showPlayers);
    draw('matches', matches, showMatches);
    say(`${players.length} players, ${matches.length} matches`);
  } catch (error) {
    say(error.message, true);
  }
}

function onSubmit(form, save) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      await save(new FormData(form));
      form.reset();
      document.activeElement?.blur();
      await refresh();
    } catch (error) {
      say(error.message, true);
    }
  });
}

onSubmit(find('add-player'), (data) => call('POST', '/players', { name: data.get('name') }));
onSubmit(find('add-match'), (data) =>
  call('POST', '/matches', { home: Number(data.get('home')), away: Number(data.get('away')) }),
);

// The worker writes the standings about a second after a result; look every two seconds.
await refresh();
setInterval(() => document.hidden || refresh(), 2000);
