"""Test files of definitions, `NAME.test.yaml`: what a case gives, how its steps answer, what it expects.

models     the file as the author writes it
loading    from text to cases, with everything that is wrong and where
checks     a file against the definition that it tests: paths, inputs, outputs
paths      step paths: which declared step a path of a run means
"""
