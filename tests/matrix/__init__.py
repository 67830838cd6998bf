"""The matrix: every door × role × entity × field, with a marker planted wherever a role may not see."""
