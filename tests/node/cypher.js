// Reads [{text, parameters, version}] from stdin; prints [[[severity, message], ...], ...]: what Neo4j's linter finds in each text
// under its version of Cypher. Severity 1 is an error, 2 a warning: something deprecated, for example.
const { lintCypherQuery } = require(require.resolve("@neo4j-cypher/language-support", { paths: [process.argv[2]] }));
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = asked.map(({ text, parameters, version }) => {
  const schema = { defaultLanguage: version, parameters };
  const { diagnostics } = lintCypherQuery(text, schema, { consoleCommandsEnabled: false });
  return diagnostics.map((one) => [one.severity, one.message]);
});
console.log(JSON.stringify(found));
