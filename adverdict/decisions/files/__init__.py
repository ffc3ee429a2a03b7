"""Policy files, from YAML to rules: read, inherited, shown and compared."""
