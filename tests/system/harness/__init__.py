"""The system tests' own tools. tests/system/conftest.py offers them as fixtures and documents each."""
