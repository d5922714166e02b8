/**
 * The table from the matches played: three points for a win, one for a draw. Equal points are separated by the
 * difference of scores, then by what was scored; whoever is still equal shares a rank.
 */
export function standings(players, matches) {
  const rows = new Map(players.map((id) => [id, blank(id)]));
  for (const { home, away, home_score, away_score } of matches) {
    count(rows.get(home), home_score, away_score);
    count(rows.get(away), away_score, home_score);
  }
  const sorted = [...rows.values()].sort((a, b) => compare(a, b) || a.player - b.player);
  for (const [index, row] of sorted.entries()) {
    const before = sorted[index - 1];
    row.rank = before !== undefined && compare(before, row) === 0 ? before.rank : index + 1;
  }
  return sorted;
}

function blank(player) {
  return { player, rank: 0, played: 0, won: 0, drawn: 0, lost: 0, scored: 0, conceded: 0, points: 0 };
}

function count(row, own, other) {
  row.played += 1;
  row.scored += own;
  row.conceded += other;
  if (own > other) row.won += 1;
  else if (own === other) row.drawn += 1;
  else row.lost += 1;
  row.points = row.won * 3 + row.drawn;
}

function compare(a, b) {
  return b.points - a.points || b.scored - b.conceded - (a.scored - a.conceded) || b.scored - a.scored;
}
