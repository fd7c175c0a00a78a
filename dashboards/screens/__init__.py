"""The pages, a file each. Not in a folder named `pages`: Streamlit would serve that by itself, around the frame."""
