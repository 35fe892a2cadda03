"""How each step type that has an effect runs; one module a type, named as its model in `definitions/steps/`."""
